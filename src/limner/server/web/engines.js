// The engine of this page.

export { server as engine } from "./server-engine.js";
