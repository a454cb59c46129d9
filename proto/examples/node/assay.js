"use strict";
// Assay's service by its .proto files: the two stubs of a server, and the metadata that every call needs.

const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const files = ["assay/v1/evaluation.proto", "assay/v1/scoring.proto"];
const includeDirs = [path.join(__dirname, "..", ".."), __dirname];
const read = loader.loadSync(files, { includeDirs, longs: Number, enums: String, defaults: true, oneofs: true });
const { assay } = grpc.loadPackageDefinition(read);

/** The stubs of the server at host:port. ASSAY_CA: who vouches for it; without, plain text. ASSAY_TOKEN: who we are. */
function connect(address) {
  const ca = process.env.ASSAY_CA;
  const credentials = ca ? grpc.credentials.createSsl(fs.readFileSync(ca)) : grpc.credentials.createInsecure();
  const options = { "grpc.max_receive_message_length": 65 * 1024 * 1024, "grpc.max_send_message_length": 65 * 1024 * 1024 };
  const metadata = new grpc.Metadata({ waitForReady: true });
  if (process.env.ASSAY_TOKEN) metadata.set("authorization", `Bearer ${process.env.ASSAY_TOKEN}`);
  return {
    evaluation: new assay.v1.Evaluation(address, credentials, options),
    scoring: new assay.v1.Scoring(address, credentials, options),
    metadata,
  };
}

/** Plain JSON as google.protobuf.Value. */
function value(told) {
  if (told === null || told === undefined) return { nullValue: "NULL_VALUE" };
  if (typeof told === "boolean") return { boolValue: told };
  if (typeof told === "number") return { numberValue: told };
  if (typeof told === "string") return { stringValue: told };
  if (Array.isArray(told)) return { listValue: { values: told.map(value) } };
  return { structValue: struct(told) };
}

/** A plain object as google.protobuf.Struct. */
function struct(told) {
  return { fields: Object.fromEntries(Object.entries(told).map(([name, each]) => [name, value(each)])) };
}

module.exports = { connect, grpc, struct, value };
