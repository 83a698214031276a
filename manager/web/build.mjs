// Builds the dashboard into dist/ (index.html, app.js, app.css, favicon.svg), or with --tests the unit
// tests into one file. The manager embeds dist/ as it is, so its size is bounded here.

import { copyFile, mkdir, readdir, rm, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const LIMIT_BYTES = 150_000;
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

async function dashboard() {
  const dist = at("dist/");
  await rm(dist, { recursive: true, force: true });
  await mkdir(dist, { recursive: true });
  await build({
    entryPoints: { app: at("src/main.ts"), "app-style": at("src/style/app.css") },
    outdir: dist,
    entryNames: "[name]",
    bundle: true,
    minify: true,
    format: "iife",
    // What light-dark(), subgrid and @property need; all three are from 2024.
    target: ["chrome123", "firefox128", "safari17.5"],
    legalComments: "none",
    banner: { js: "/* pirack, Apache-2.0; contains uPlot, MIT, (c) Leon Sorokin */" },
    logLevel: "warning",
  });
  await copyFile(`${dist}app-style.css`, `${dist}app.css`);
  await rm(`${dist}app-style.css`);
  await copyFile(at("src/index.html"), `${dist}index.html`);
  await copyFile(at("src/favicon.svg"), `${dist}favicon.svg`);

  let total = 0;
  for (const name of (await readdir(dist)).sort()) {
    const { size } = await stat(dist + name);
    total += size;
    console.log(`dist/${name.padEnd(12)} ${size} bytes`);
  }
  if (total > LIMIT_BYTES) {
    throw new Error(`dist/ is ${total} bytes, and at most ${LIMIT_BYTES} belong in the binary: take something out`);
  }
}

async function tests() {
  const names = (await readdir(at("test/"))).filter((name) => name.endsWith(".test.ts"));
  await build({
    stdin: { contents: names.map((name) => `import "./${name}";`).join("\n"), resolveDir: at("test/") },
    // One file by its full name: what `node --test DIRECTORY` means differs between node 18 and 22.
    outfile: at("node_modules/.tests/all.mjs"),
    bundle: true,
    platform: "node",
    target: "node18",
    format: "esm",
    logLevel: "warning",
  });
}

await (process.argv.includes("--tests") ? tests() : dashboard());
