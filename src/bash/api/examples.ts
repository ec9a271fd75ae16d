const FOLDER = 'workspace/examples';

/** A command that writes files into a folder. Their texts contain no single quotes. */
function writeFiles(folder: string, files: Readonly<Record<string, string>>): string {
  const folders = Object.keys(files).map((name) => `${folder}/${name}`.replace(/\/[^/]*$/, ''));
  const writes = Object.entries(files).map(
    ([name, text]) => `cat > ${folder}/${name} << 'END'\n${text.trimEnd()}\nEND`,
  );
  return [`mkdir -p ${[...new Set(folders)].join(' ')}`, ...writes].join('\n');
}

const SKILL = `---
name: greeting
description: How to greet
---
Greet people in their own language.
`;
const json = (value: object): string => JSON.stringify(value, null, 2);

/** The clock as a server of the Model Context Protocol, without packages. */
const MCP_SERVER = `import { createInterface } from "node:readline";
const tools = [{ name: "now", description: "The time", inputSchema: { type: "object" } }];
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "clock", version: "1.0.0" },
  }),
  "tools/list": () => ({ tools }),
  "tools/call": () => ({ content: [{ type: "text", text: new Date().toISOString() }] }),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = answers[method]?.(params) ?? {};
  console.log(JSON.stringify({ jsonrpc: "2.0", id, result }));
});
`;

/** A tar.gz with a shell script \`serve\`, which answers every request on the port in its first argument. */
const BACKEND =
  'H4sIAAAAAAACA+3SsQrCMBQF0Mz9ihiFJqDpS6U46U84ikhtH6ZQ0vqSFj9fOonOKgo5y13ucuF6pBHZZwHApij4lADwmgCmyDk8cDCQr6c++4LBh5IYwBtGPo37E/NZdm5c5m2CN6y462rkK+Qp4XVoCKWwIfRC6YqwDLif3kJSnpaktjvS6GopLLZtJ5TSbeMDOtlTV6H3uqTLeDBHlXKxMCJhURRF0Q+5A+xvbHIACAAA';
const BACKEND_SHA256 = '2c5bdbfc5e6e66fa73c6b06f0e305b86a85ef629874b7d20e3d9a43ba838c13e';
const artifact = { path: 'backend.tar.gz', sha256: BACKEND_SHA256 };
const CANVAS_MANIFEST = {
  schema_version: 1,
  name: 'hello',
  display_name: 'Hello',
  version: '1.0.0',
  entrypoint: 'main.js',
  backend: {
    schema_version: 1,
    artifacts: { 'linux-amd64': artifact, 'linux-arm64': artifact },
    argv: ['{artifact_dir}/serve', '{port}'],
    inherit_environment: ['PATH'],
  },
};

const example = (summary: string, command: string) => ({ summary, value: { command } });

/** Commands that write what the examples of other operations need. */
export const OTHER_COMMANDS = {
  skill: example('Write a skill', writeFiles(`${FOLDER}/greeting`, { 'SKILL.md': SKILL })),
  plugin: example(
    'Write a marketplace with a plugin',
    writeFiles(`${FOLDER}/marketplace`, {
      '.plugin/marketplace.json': json({
        name: 'local',
        owner: { name: 'me' },
        plugins: [{ name: 'greetings', source: './greetings' }],
      }),
      'greetings/.plugin/plugin.json': json({ name: 'greetings', version: '1.0.0', description: 'Greets' }),
      'greetings/skills/greeting/SKILL.md': SKILL,
    }),
  ),
  'mcp-server': example('Write an MCP server', writeFiles(FOLDER, { 'clock.mjs': MCP_SERVER })),
  'canvas-extension': example(
    'Write a canvas extension with a back end',
    [
      writeFiles(`${FOLDER}/hello`, {
        'canvas-extension.json': json(CANVAS_MANIFEST),
        'main.js': 'export default function activate() {}',
      }),
      `echo ${BACKEND} | base64 -d > ${FOLDER}/hello/backend.tar.gz`,
    ].join('\n'),
  ),
};
