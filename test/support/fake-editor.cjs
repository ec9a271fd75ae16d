#!/usr/bin/env node
const { appendFileSync, readFileSync, statSync } = require('node:fs');
const { createServer } = require('node:http');
const path = require('node:path');

// A stand-in for OpenVSCode Server: it accepts its options and requires its token. It writes its arguments to
// the file `notes` beside its folder.
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const file = option('--connection-token-file');
const token = readFileSync(file, 'utf8');
const mode = (statSync(file).mode & 0o777).toString(8);
const notes = path.join(__dirname, '..', 'notes');
appendFileSync(notes, `${JSON.stringify({ pid: process.pid, argv: process.argv.slice(2), mode })}\n`);
createServer((request, response) => {
  const isAuthorized = new URL(request.url, 'http://x').searchParams.get('tkn') === token;
  response.writeHead(isAuthorized ? 200 : 403).end();
}).listen(Number(option('--port')), option('--host'));
