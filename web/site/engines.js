// The engine of the page without a server: this device.

import { cutout } from "limner";

import { Refusal } from "./engine.js";

const OPTIONS = ["background", "blur", "mask"];

export const engine = {
  name: "local",
  options: new Set(OPTIONS),
  async cutout(source, options, more) {
    try {
      return await cutout(source, { ...options, ...more });
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw new Refusal(error.message);
      throw error;
    }
  },
};
