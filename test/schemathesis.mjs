/**
 * Runs Schemathesis (https://schemathesis.io), which knows nothing of this project, over the API document of
 * a fresh server: no 5xx, and no status, header, content type or shape that the document does not declare.
 * Not a part of `npm test`: it is a Python program and takes minutes (some 5; ended after 10).
 *
 *     python3 -m venv /tmp/schemathesis && /tmp/schemathesis/bin/pip install schemathesis
 *     npm run build && node test/schemathesis.mjs [path of schemathesis] [further options for it, as --seed
 *     7]
 *
 * The same seed makes the same requests. They are whatever a schema allows, folders to work in and commands
 * of hooks among it: run it where that does no harm. The file routes and the settings of the server stay in
 * its temporary folder.
 */
import { spawn } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runBesideServer } from './support/with-server.mjs';

/** What is asked of commands, agents, models, other machines, or takes the server away. */
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
/** A 5xx that says what is not there is no fault where the document declares it; 500 always is. */
const SETTINGS = `[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "502", "503", "504", "507"]
`;
/** Requests of one operation in each phase that makes them at random. */
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
    // The same handlers once more.
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
