#!/usr/bin/env node
const { appendFileSync, readFileSync, statSync } = require('node:fs');
const { createServer } = require('node:http');
const path = require('node:path');

// Stands in for OpenVSCode Server: takes its options, and lets in who has the token. What it was given is
// noted beside the folder that it is in.
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const file = option('--connection-token-file');
const token = readFileSync(file, 'utf8');
const mode = (statSync(file).mode & 0o777).toString(8);
const notes = path.join(__dirname, '..', 'notes');
appendFileSync(notes, `${JSON.stringify({ pid: process.pid, argv: process.argv.slice(2), mode })}\n`);
createServer((request, response) => {
  const isIn = new URL(request.url, 'http://x').searchParams.get('tkn') === token;
  response.writeHead(isIn ? 200 : 403).end();
}).listen(Number(option('--port')), option('--host'));
