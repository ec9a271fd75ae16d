import { splitEnvironment } from './obeyed-variables.js';

describe('splitEnvironment', () => {
  it('keeps variables that the loader and shells obey from what runs outside of the sandbox', () => {
    const harmless = { PATH: '/bin', HOME: '/root', ENVIRONMENT: 'x', MY_LD_PATH: 'y' };
    const obeyed = {
      LD_PRELOAD: '/tmp/x.so',
      GLIBC_TUNABLES: 'x',
      'BASH_FUNC_echo%%': '() { touch /tmp/x; }',
      BASH_ENV: '/tmp/x',
      SHELLOPTS: 'xtrace',
      PS4: '$(touch /tmp/x)',
      ENV: '/tmp/x',
    };
    expect(splitEnvironment({ ...harmless, ...obeyed })).toEqual({ env: harmless, obeyed });
  });
});
