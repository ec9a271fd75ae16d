/**
 * Runs Schemathesis (https://schemathesis.io) with the API document of a new server. It fails on 5xx and on
 * any status, header, content type or shape that the document does not declare. Not part of `npm test`: it is
 * a Python program and takes about 5 minutes (it is stopped after 10).
 *
 *     python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
 *     npm run build && node test/schemathesis.mjs [path of schemathesis] [options, such as --seed 7]
 *
 * The same seed gives the same requests. They may contain anything that a schema allows, including working
 * folders and commands of hooks: run it where that does no harm. The file routes and the settings of the
 * server stay in its temporary folder.
 */
import { spawn } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runBesideServer } from './support/with-server.mjs';

/** Operations that run commands, agents or models, contact other machines, or stop the server. */
const LEFT_OUT = [
  '/(execute|start)_bash_command$',
  '/ask_agent$',
  '/(validate|test|sync|install|fetch|models/verified)$',
  '^/api/acp/models$',
  '^/api/mcp/oauth/start$',
  '^/api/llm/subscription/',
  '^/api/init$',
  '^/v1/(chat/completions|responses)$',
  '^/api/git/repositories/search$',
  '^/api/vscode/',
  '^/api/(skills|plugins)/marketplace$',
];
/**
 * Left out: `allow_header_conformance` and `unsupported_method`. As in the original, `Allow` names the
 * methods of the first route that matches, and a path such as `/api/conversations/count` also matches a route
 * with an id.
 */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
];
/** A declared 5xx other than 500 is not an error: it reports something that is unavailable. */
const SETTINGS = `[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "502", "503", "504", "507"]
`;
/** Random requests per operation and phase. */
const EXAMPLES = 20;
const LONGEST_RUN_MS = 600_000;

const [program = '/tmp/schemathesis/bin/schemathesis', ...options] = process.argv.slice(2);

try {
  await access(program);
} catch {
  console.log(`skipped: there is no ${program}; this file says how to install it`);
  process.exit(0);
}

const inFolder = (folder) => ({ HOME: folder, OH_PERSISTENCE_DIR: folder, OH_FILE_ROOT: folder });

await runBesideServer('schemathesis', inFolder, async (url, folder) => {
  await writeFile(path.join(folder, 'schemathesis.toml'), SETTINGS);
  const command = [
    'run',
    `${url}/openapi.json`,
    '--checks',
    CHECKS.join(','),
    '--exclude-path-regex',
    LEFT_OUT.join('|'),
    // Aliases have the same handlers.
    '--exclude-tag',
    'Aliases',
    '--max-examples',
    String(EXAMPLES),
    '--seed',
    '1',
    '--request-timeout',
    '30',
    '--continue-on-failure',
    ...options,
  ];
  const tester = spawn(program, command, { cwd: folder, stdio: 'inherit' });
  const timer = setTimeout(() => {
    console.error(`ended after ${LONGEST_RUN_MS / 1000} s`);
    tester.kill();
  }, LONGEST_RUN_MS);
  tester.once('exit', () => clearTimeout(timer));
  return tester;
});
