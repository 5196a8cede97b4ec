// Cut-outs in Node: node node_cut.mjs jobs.json MODEL, jobs being [{ pixels, width, height, target }, ...].

import { readFileSync, writeFileSync } from "node:fs";

const { cutout } = await import(process.env.LIMNER_WEB);
const [, , jobs, model] = process.argv;

for (const { pixels, width, height, target } of JSON.parse(readFileSync(jobs))) {
  const { blob, alpha, ...rest } = await cutout({ width, height, data: readFileSync(pixels) }, { model });
  writeFileSync(`${target}.png`, new Uint8Array(await blob.arrayBuffer()));
  writeFileSync(`${target}.alpha`, alpha.data);
  writeFileSync(`${target}.json`, JSON.stringify(rest));
}
