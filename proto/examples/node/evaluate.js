"use strict";
// Starts a run and follows it to its end:  node evaluate.js ADDRESS JOURNAL SUITE
//
// SUITE is the name of a suite, or a suite as JSON. The journal has a line for each response that was dealt with. Started again with the same
// journal, this program goes on where it was: with the same run, after the last response, so that no outcome is missed and none comes twice.

const crypto = require("node:crypto");
const fs = require("node:fs");
const { connect, grpc, struct } = require("./assay.js");

const PATIENCE = 60000;
const [address, journal, suite] = process.argv.slice(2);
const { evaluation, metadata } = connect(address);

const lines = fs.existsSync(journal) ? fs.readFileSync(journal, "utf8").split("\n") : [];
const torn = lines.pop(); // what stands behind the last line break was not written to its end
if (torn) fs.writeFileSync(journal, lines.map((line) => `${line}\n`).join(""));
const known = lines.map((line) => JSON.parse(line));
const request = known[0] || { request_id: crypto.randomUUID() };
let cursor = known.length > 1 ? known[known.length - 1].cursor : "";
let heard = Date.now();

/** One line, written at once. */
function note(entry) {
  fs.appendFileSync(journal, `${JSON.stringify(entry)}\n`);
}

function begin() {
  const source = suite.startsWith("{") ? { inlineSuite: struct(JSON.parse(suite)) } : { suite };
  evaluation.createRun({ requestId: request.request_id, ...source }, metadata, (error, run) => (error ? fail(error) : watch(run.name)));
}

function watch(name) {
  const stream = evaluation.watchRun({ name, cursor }, metadata);
  stream.on("data", (response) => {
    note({ cursor: response.cursor, outcomes: response.outcomes.map((each) => [each.task, each.model, each.caseId]), ended: Boolean(response.report) });
    cursor = response.cursor;
    heard = Date.now();
    if (response.run) console.log(response.run.state);
  });
  stream.on("end", () => {});
  stream.on("status", (status) => {
    if (status.code === grpc.status.OK) return;
    if (status.code !== grpc.status.UNAVAILABLE || Date.now() - heard > PATIENCE) fail(status);
    else setTimeout(() => watch(name), 500); // the server ended or is away: pick up after the last response
  });
  stream.on("error", () => {}); // told by its status too
}

function fail(error) {
  console.error(`${error.code}: ${error.details}`);
  process.exit(1);
}

if (!known.length) note(request);
begin();
