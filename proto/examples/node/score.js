"use strict";
// Scores replies as they come:  node score.js ADDRESS < replies.jsonl
//
// Each line of the input is {"id", "scorer", "reply", "reference"}; each line of the output is {"id", "values"} or {"id", "error"}.

const readline = require("node:readline");
const { once } = require("node:events");
const { connect, value } = require("./assay.js");

const BATCH = 64;
const { scoring, metadata } = connect(process.argv[2]);
const stream = scoring.scoreStream(metadata);

stream.on("data", ({ results }) => {
  for (const result of results) {
    const values = Object.fromEntries(result.values.map((each) => [each.metric, each.value]));
    console.log(JSON.stringify(result.error ? { id: result.id, error: result.error.message } : { id: result.id, values }));
  }
});
stream.on("error", (error) => {
  console.error(`${error.code}: ${error.details}`);
  process.exitCode = 1;
});

async function send(items) {
  if (items.length && !stream.write({ items })) await once(stream, "drain"); // the server takes no more just now
}

async function main() {
  let items = [];
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { id, scorer, reply, reference } = JSON.parse(line);
    items.push({ id, scorer: { name: scorer }, reply, reference: value(reference) });
    if (items.length === BATCH) await send(items.splice(0));
  }
  await send(items);
  stream.end();
}

main();
