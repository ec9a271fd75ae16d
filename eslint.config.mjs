import stylistic from '@stylistic/eslint-plugin';
import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';
import { noRescanningExpression } from './scripts/no-rescanning-expression.mjs';

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

/** oxlint's no-meaningless-void-operator looks only at calls. */
const VOID = {
  selector:
    'UnaryExpression[operator="void"]:not([argument.type=/^(Call|Assignment|Sequence)Expression$/], [argument.expression.type="CallExpression"], [argument.value=0])',
  message: "The void operator only discards a call's return value.",
};

/**
 * The rules that oxlint does not have: `.oxlintrc.jsonc` has all others, also those that look at types, so
 * ESLint only parses. `.dependency-cruiser.mjs` says who may import whom.
 */
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
    languageOptions: { parser: tseslint.parser },
    rules: { 'no-restricted-syntax': ['error', VOID] },
  },
  {
    files: ['src/**/*.ts'],
    // As in tsconfig.json: a class with a decorator needs its imports at run time. Elsewhere oxlint does.
    languageOptions: { parserOptions: { emitDecoratorMetadata: true, experimentalDecorators: true } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
    },
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    ignores: ['**/*.spec.ts', 'test/**'],
    rules: { 'no-restricted-syntax': ['error', ...PARSERS, GIT, URLS, VOID] },
  },
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
  {
    files: ['src/json/parse-yaml.ts', 'src/agent/prompt/template.ts'],
    rules: { 'no-restricted-syntax': ['error', VOID] },
  },
  {
    files: ['src/git/**'],
    ignores: ['**/*.spec.ts'],
    rules: { 'no-restricted-syntax': ['error', ...PARSERS, URLS, VOID] },
  },
  {
    // The page of the console. What it shows comes from strangers: never as HTML.
    files: ['console/**'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            ':matches(JSXAttribute[name.name="dangerouslySetInnerHTML"], MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML|srcdoc)$/])',
          message:
            'Create elements: the page shows texts of strangers, and its policy forbids HTML from text.',
        },
        VOID,
      ],
    },
  },
);
