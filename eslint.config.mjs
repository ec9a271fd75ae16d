import { readdirSync } from 'node:fs';
import stylistic from '@stylistic/eslint-plugin';
import boundaries from 'eslint-plugin-boundaries';
import importX from 'eslint-plugin-import-x';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';
import { noRescanningExpression } from './scripts/no-rescanning-expression.mjs';

/**
 * The import rules (docs/architecture.md draws them): for each folder of `src/` the folders that it may
 * import. Files directly in `src/` are not restricted.
 */
const ARROWS = {
  json: ['text'],
  errors: [],
  flow: [],
  meters: [],
  // A port that does nothing until traces are on.
  telemetry: ['errors', 'flow', 'text'],
  processes: ['errors', 'flow'],
  // Knows no feature: a feature says what it starts, and for whom.
  sandbox: ['config', 'errors', 'files', 'flow', 'processes', 'text'],
  text: [],
  files: ['errors', 'flow', 'processes', 'text'],
  events: ['text'],
  config: ['errors', 'text'],
  crypto: ['config', 'text'],
  auth: ['config', 'crypto', 'text'],
  keys: ['auth', 'config', 'crypto', 'errors', 'flow', 'http', 'storage'],
  audit: ['auth', 'config', 'errors', 'events', 'flow', 'forwarding', 'http', 'meters', 'storage'],
  usage: ['auth', 'config', 'errors', 'events', 'flow', 'http', 'storage'],
  limits: ['auth', 'config', 'errors', 'flow', 'forwarding', 'http', 'meters', 'storage', 'usage'],
  logging: ['crypto', 'errors', 'text'],
  storage: ['config', 'crypto', 'errors', 'files', 'flow', 'meters', 'processes', 'telemetry', 'text'],
  llm: ['errors', 'events', 'flow', 'meters', 'telemetry', 'text'],
  tools: ['errors', 'events', 'files', 'flow', 'processes', 'sandbox', 'telemetry', 'text'],
  agent: ['errors', 'events', 'files', 'flow', 'llm', 'processes', 'sandbox', 'telemetry', 'text', 'tools'],
  acp: ['agent', 'errors', 'events', 'files', 'flow', 'llm', 'processes', 'sandbox', 'text', 'tools'],
  // The edge knows no feature: errors say of what kind they are.
  http: ['auth', 'crypto', 'errors', 'events', 'flow', 'logging', 'telemetry', 'text'],
  openapi: ['auth', 'config', 'http'],
  // Knows no conversation: it is told which steps begin and end.
  checkpoints: ['errors', 'events', 'files', 'flow', 'git', 'meters', 'text', 'tools'],
  conversations: [
    'meters',
    'acp',
    'agent',
    'auth',
    'checkpoints',
    'config',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'git',
    'http',
    'limits',
    'llm',
    'meters',
    'openapi',
    'processes',
    'sandbox',
    'settings',
    'storage',
    'telemetry',
    'text',
    'tools',
    'usage',
  ],
  shares: [
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'http',
    'storage',
    'text',
  ],
  sockets: [
    'audit',
    'auth',
    'bash',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'extensions',
    'flow',
    'forwarding',
    'http',
    'limits',
    'logging',
    'meters',
    'shares',
    'storage',
    'terminals',
    'text',
    'workspace',
  ],
  webhooks: [
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'http',
    'processes',
    'storage',
    'telemetry',
    'text',
  ],
  git: ['errors', 'files', 'flow', 'processes', 'sandbox', 'text'],
  workspace: [
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'git',
    'http',
    'openapi',
    'processes',
    'sandbox',
    'server',
    'settings',
    'storage',
    'text',
    'tools',
  ],
  bash: [
    'auth',
    'config',
    'errors',
    'events',
    'files',
    'flow',
    'http',
    'processes',
    'sandbox',
    'server',
    'storage',
    'workspace',
  ],
  terminals: [
    'auth',
    'config',
    'conversations',
    'errors',
    'events',
    'files',
    'flow',
    'http',
    'meters',
    'processes',
    'sandbox',
    'server',
    'storage',
    'tools',
    'workspace',
  ],
  // Knows no feature and no driver: a feature says where its requests are served.
  forwarding: ['auth', 'config', 'crypto', 'errors', 'flow', 'http', 'telemetry', 'text'],
  cluster: ['config', 'conversations', 'crypto', 'errors', 'forwarding', 'http', 'json', 'storage'],
  containers: [
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'forwarding',
    'http',
    'processes',
    'server',
    'sockets',
    'storage',
    'text',
    'limits',
  ],
  automations: [
    'agent',
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'git',
    'http',
    'meters',
    'openapi',
    'processes',
    'server',
    'settings',
    'storage',
    'text',
  ],
  extensions: [
    'agent',
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'files',
    'flow',
    'forwarding',
    'git',
    'http',
    'processes',
    'sandbox',
    'settings',
    'storage',
    'text',
    'tools',
  ],
  settings: [
    'acp',
    'auth',
    'config',
    'crypto',
    'errors',
    'events',
    'files',
    'http',
    'limits',
    'llm',
    'openapi',
    'storage',
    'text',
    'usage',
  ],
  server: [
    'auth',
    'config',
    'conversations',
    'crypto',
    'events',
    'http',
    'logging',
    'sandbox',
    'storage',
    'tools',
  ],
  metrics: [
    'audit',
    'auth',
    'config',
    'conversations',
    'files',
    'http',
    'limits',
    'meters',
    'rpc',
    'server',
    'sockets',
    'terminals',
    'webhooks',
    'workspace',
  ],
  retention: [
    'audit',
    'auth',
    'bash',
    'config',
    'conversations',
    'errors',
    'files',
    'flow',
    'http',
    'meters',
    'storage',
    'text',
  ],
  ui: ['config', 'errors', 'files', 'http', 'workspace'],
  console: ['http', 'workspace'],
  models: ['auth', 'http', 'llm', 'settings'],
  mcp: ['auth', 'config', 'crypto', 'errors', 'flow', 'http', 'sandbox', 'storage', 'text', 'tools'],
  gateway: ['auth', 'config', 'conversations', 'events', 'flow', 'http', 'server', 'settings', 'storage'],
  // What protocols of other agents share. Each of them has a folder of its own.
  rpc: [
    'audit',
    'auth',
    'config',
    'conversations',
    'errors',
    'events',
    'forwarding',
    'http',
    'limits',
    'meters',
    'settings',
    'storage',
  ],
  a2a: [
    'auth',
    'config',
    'conversations',
    'errors',
    'events',
    'flow',
    'http',
    'limits',
    'rpc',
    'server',
    'storage',
    'text',
  ],
  'mcp-server': [
    'auth',
    'config',
    'conversations',
    'errors',
    'events',
    'flow',
    'http',
    'meters',
    'openapi',
    'rpc',
    'server',
    'text',
    'tools',
  ],
  init: ['audit', 'auth', 'config', 'errors', 'http'],
  cli: [
    'audit',
    'auth',
    'config',
    'conversations',
    'crypto',
    'errors',
    'events',
    'files',
    'flow',
    'init',
    'keys',
    'logging',
    'meters',
    'processes',
    'retention',
    'server',
    'storage',
    'telemetry',
    'text',
    'usage',
    'webhooks',
  ],
};
const FOLDERS = Object.keys(ARROWS);
const unlisted = readdirSync(new URL('src/', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !FOLDERS.includes(entry.name))
  .map(({ name }) => name);
// The plugin does not check folders that it does not know.
if (unlisted.length > 0) {
  throw new Error(`Add to ARROWS in eslint.config.mjs, with what they may import: ${unlisted.join(', ')}`);
}
/** Folders that every other one may import. */
const FOR_ALL = ['json'];
/** The only files that other folders may import. `tools/mcp/` has its own: it is loaded on first use. */
const FRONT_DOORS = ['index.ts', '**/*.module.ts', 'mcp/index.ts'];
/** The agent and what it uses can run without a web server. */
const NO_WEB = ['acp', 'agent', 'llm', 'tools'].map((folder) => `src/${folder}/**`);

const DRIVERS = {
  regex: 'storage/(file|postgres)/',
  message: 'Use the ports that storage/index.ts exports; storage.module.ts picks the driver.',
};
const WIRING = {
  regex: '/app\\.(module|setup)\\.js$',
  message: 'Only src/cli/ and the files in src/ may import the module of the application.',
};
const WEB = {
  regex: '^(@nestjs/(?!common$)|express$|ws$)',
  message: 'The agent, models and tools know no web framework beyond @Injectable.',
};

/** Parsers that some inputs make hang or crash. One file each limits what they are given. */
const PARSERS = [
  ['yaml', 'parseYaml of json/'],
  ['@huggingface/jinja', 'renderTemplate of agent/prompt/'],
].map(([name, instead]) => ({
  selector: `:matches(ImportExpression, ImportDeclaration[importKind!="type"])[source.value="${name}"]`,
  message: `Use ${instead}: it limits the text that ${name} is given.`,
}));

/** Git runs programs that a repository configures. The commands of `src/git/` prevent that. */
const GIT = {
  selector: 'CallExpression[arguments.0.value="git"]',
  message: 'Use git/: a repository may configure programs that git would run here.',
};

/** On Node 20 it rejects international host names once V8 has optimised its caller. */
const URLS = {
  selector: 'MemberExpression[object.name="URL"][property.name="canParse"]',
  message: 'Use parseUrl of text/: URL.canParse rejects international host names on Node 20.',
};

/** What a folder may import. A block for each: the plugin tries all policies of a file for each import. */
function arrowsOf(folder) {
  const from = { element: { type: folder } };
  const types = { anyOf: [...FOR_ALL, ...ARROWS[folder]] };
  return {
    default: 'disallow',
    message: '{{from.type}}/ may not import {{to.type}}/ (ARROWS in eslint.config.mjs)',
    // The last policy that matches decides.
    policies: [
      {
        from,
        disallow: { to: { element: { types } } },
        message: 'Import {{to.type}}/ through its index.ts or *.module.ts',
      },
      {
        from,
        allow: { to: [{ element: { type: folder } }, { element: { types, fileInternalPath: FRONT_DOORS } }] },
      },
    ],
  };
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'coverage/', 'workspace/', 'web-ui/', 'openapi.d.ts'] },
  {
    // Prettier wraps code, not comments.
    files: ['**/*.ts', '**/*.tsx', '**/*.mjs', '**/*.cjs'],
    plugins: { stylistic },
    rules: {
      'stylistic/max-len': [
        'error',
        { code: 1000, comments: 110, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true },
      ],
    },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { boundaries, 'import-x': importX },
    settings: {
      'import/resolver': { typescript: { project: 'tsconfig.json' } },
      'boundaries/elements': FOLDERS.map((folder) => ({ type: folder, pattern: `src/${folder}` })),
    },
    rules: {
      'import-x/no-default-export': 'error',
      'import-x/no-duplicates': ['error', { considerQueryString: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      // Modules of Nest are empty classes with a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Thrown values and abort reasons are passed on unchanged; they need not be errors.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      // Allows `return next();`.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Options objects of libraries are often typed by classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      // Decorators read the declared types of properties.
      '@typescript-eslint/no-inferrable-types': ['error', { ignoreProperties: true }],
      'no-restricted-imports': ['error', { patterns: [DRIVERS, WIRING] }],
      'no-restricted-syntax': ['error', ...PARSERS, GIT, URLS],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'no-console': 'error',
    },
  },
  ...FOLDERS.map((folder) => ({
    files: [`src/${folder}/**/*.ts`],
    ignores: ['**/*.spec.ts'],
    rules: { 'boundaries/dependencies': ['error', arrowsOf(folder)] },
  })),
  {
    // The server reads untrusted text: every regular expression must run in linear time.
    // `potential` and `ignorePartial: false` also report expressions whose use is not known.
    files: ['src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    plugins: { regexp, expressions: { rules: { 'no-rescanning': noRescanningExpression } } },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignorePartial: false }],
      'expressions/no-rescanning': 'error',
    },
  },
  { files: NO_WEB, rules: { 'no-restricted-imports': ['error', { patterns: [DRIVERS, WIRING, WEB] }] } },
  {
    files: ['src/json/parse-yaml.ts', 'src/agent/prompt/template.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['src/git/**'], rules: { 'no-restricted-syntax': ['error', ...PARSERS, URLS] } },
  { files: ['src/storage/**'], rules: { 'no-restricted-imports': ['error', { patterns: [WIRING] }] } },
  {
    files: ['src/*.ts', 'src/cli/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [DRIVERS] }] },
  },
  {
    // The page of the console. What it shows comes from strangers: never as HTML.
    files: ['console/**'],
    rules: {
      'no-restricted-imports': 'off',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':matches(JSXAttribute[name.name="dangerouslySetInnerHTML"], MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|srcdoc)$/])',
          message:
            'Create elements: the page shows texts of strangers, and its policy forbids HTML from text.',
        },
      ],
    },
  },
  {
    // Tests may import internal files.
    files: ['**/*.spec.ts', 'test/**'],
    rules: {
      'no-restricted-imports': 'off',
      'no-restricted-syntax': 'off',
    },
  },
);
