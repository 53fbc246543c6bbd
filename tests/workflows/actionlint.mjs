// Lint every workflow named on the command line after the package's folder; print the findings as one JSON array.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${folder}/node.mjs`));
const found = [];
for (const file of files) {
  // One for each: its memory has no room for many files, and then it ends in "unreachable".
  const lint = await createLinter();
  found.push(...lint(readFileSync(file, "utf8"), file));
}
console.log(JSON.stringify(found));
