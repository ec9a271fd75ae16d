import fc from 'fast-check';
import { addToShellEnvironment, childEnvironment, shellEnvironment } from './child-environment.js';

describe('childEnvironment', () => {
  it('passes on allowed variables only', () => {
    const inherited = {
      PATH: '/bin',
      HOME: '/home/me',
      LC_ALL: 'de_DE.UTF-8',
      https_proxy: 'http://proxy',
      SESSION_API_KEY: 'k',
      OH_SECRET_KEY: 'k',
      OPENAI_API_KEY: 'k',
      AWS_SECRET_ACCESS_KEY: 'k',
      PROMPT_COMMAND: 'x',
      BASH_ENV: 'x',
    };
    expect(childEnvironment({}, inherited)).toEqual({
      PATH: '/bin',
      HOME: '/home/me',
      LC_ALL: 'de_DE.UTF-8',
      https_proxy: 'http://proxy',
      AI_AGENT: 'openhands',
      PAGER: 'cat',
      GIT_PAGER: 'cat',
    });
  });

  it('adds variables of the caller except those of the server', () => {
    const extra = { TOKEN: 't', PAGER: 'less', OH_SECRET_KEY: 'k', SESSION_API_KEY: 'k' };
    expect(childEnvironment(extra, {})).toEqual({
      LANG: 'C.UTF-8',
      AI_AGENT: 'openhands',
      PAGER: 'less',
      GIT_PAGER: 'cat',
      TOKEN: 't',
    });
  });
});

describe('shellEnvironment', () => {
  afterEach(() => addToShellEnvironment([]));

  it('adds variables whose whole name matches a pattern', () => {
    const letters = (...all: string[]) => fc.string({ unit: fc.constantFrom(...all), maxLength: 6 });
    fc.assert(
      fc.property(letters('a', 'b'), letters('a', 'b', '*'), (end, patternEnd) => {
        const [name, pattern] = [`zz_${end}`, `zz_${patternEnd}`];
        process.env[name] = 'set';
        try {
          addToShellEnvironment([pattern]);
          const isMatch = new RegExp(`^${pattern.replaceAll(/\*+/g, '[^]*')}$`).test(name);
          expect(name in shellEnvironment()).toBe(isMatch);
        } finally {
          Reflect.deleteProperty(process.env, name);
        }
      }),
      { numRuns: 500 },
    );
  });
});
