import { nearestName } from './nearest-name.js';

const NAMES = ['max_concurrent_runs', 'vscode_port', 'vscode_path', 'web_url', 'secret_key'];

describe('nearestName', () => {
  it.each([
    ['max_concurent_runs', 'max_concurrent_runs'],
    ['max_concurrent_run', 'max_concurrent_runs'],
    ['vscode_prt', 'vscode_port'],
    ['vscode_pth', 'vscode_path'],
    ['weburl', 'web_url'],
    ['secret-key', 'secret_key'],
  ])('finds for %p the name %p', (name, expected) => {
    expect(nearestName(name, NAMES)).toBe(expected);
  });

  it.each(['colour', '', 'url', 'x'.repeat(100_000)])(
    'finds nothing for names that are not alike',
    (name) => {
      expect(nearestName(name, NAMES)).toBeUndefined();
    },
  );
});
