// The engine of the page without a server: this device.

import { engine as local } from "limner";

import { Refusal } from "./engine.js";

export const engine = {
  name: local.name,
  options: new Set([...local.options, "mask"]),
  lacks: { refine: ["fine"] },
  async cutout(source, options, more) {
    try {
      return await local.cutout(source, options, more);
    } catch (error) {
      if (error instanceof TypeError || error instanceof RangeError) throw new Refusal(error.message);
      throw error;
    }
  },
};
