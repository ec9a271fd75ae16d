import { evaluate, Verdict } from '../support/checks.mjs';
import { runConfined } from '../support/program.mjs';
import { look, replace, run } from '../support/solution.mjs';
import { makeRepository, readText } from '../support/workspace.mjs';

const BUILD = `// Joins the pages with the settings into dist/site.json. Fails if anything is missing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pages } from './pages/index.mjs';

const settings = JSON.parse(readFileSync('settings.json', 'utf8'));
if (!settings.title) throw new Error('settings.json has no title');
for (const { path, text } of pages) if (!path.startsWith('/')) throw new Error(\`the path of "\${text}" has no slash\`);
mkdirSync('dist', { recursive: true });
writeFileSync('dist/site.json', JSON.stringify({ title: settings.title, pages }));
`;

export const task = {
  title: 'Mend a failing build',
  prompt:
    '`node build.mjs` fails. Mend what it builds from (there is more than one mistake) until it succeeds. build.mjs ' +
    'itself is right and must not change, and no page may be lost.',
  prepare: (folder) =>
    makeRepository(folder, {
      'build.mjs': BUILD,
      'settings.json': '{\n  "title": "Harbour",\n  "colour": "blue",\n}\n',
      'pages/index.mjs':
        "import { about } from './about.mjs';\nimport { home } from './hom.mjs';\n\nexport const pages = [home, about];\n",
      'pages/home.mjs': "export const home = { path: '/', text: 'Welcome' };\n",
      'pages/about.mjs': "export const about = { path: 'about', text: 'About us' };\n",
      '.gitignore': 'dist/\n',
    }),
  async check({ folder, before }) {
    const verdict = new Verdict();
    verdict.onlyChanged({ folder, before }, ['settings.json', 'pages/', 'dist/']);
    const { code, stderr } = await runConfined(folder, 'node', ['build.mjs']);
    verdict.require(code === 0, `the build fails: ${JSON.stringify(stderr.slice(0, 200))}`);
    const site = await evaluate(
      folder,
      "import { pages } from './pages/index.mjs'; console.log(JSON.stringify(pages));",
    );
    const expected = [
      { path: '/', text: 'Welcome' },
      { path: '/about', text: 'About us' },
    ];
    verdict.equal(site, expected, 'the pages');
    verdict.require((await readText(folder, 'settings.json'))?.includes('"blue"'), 'the colour is lost');
    return verdict.result;
  },
  right: {
    steps: [
      look('node build.mjs'),
      replace('pages/index.mjs', './hom.mjs', './home.mjs'),
      replace('settings.json', '"blue",', '"blue"'),
      replace('pages/about.mjs', "'about',", "'/about',"),
      look('node build.mjs'),
    ],
    answer: 'A wrong path of an import, a comma at the end of settings.json and a path without a slash.',
  },
  wrong: [
    {
      steps: [
        run(
          `printf "import { home } from './home.mjs';\\nexport const pages = [home];\\n" > pages/index.mjs`,
        ),
        run(`printf '{ "title": "Harbour" }' > settings.json`),
        look('node build.mjs'),
      ],
      answer: 'The build succeeds.',
    },
    { steps: [run(`sed -i '/throw/d' build.mjs`)], answer: 'The checks were too strict.' },
  ],
};
