import type { FileVersion } from '../version.js';
import { diffOf } from './file-diff.js';

function content(text: string | Buffer, mode = 0o644): { version: FileVersion; bytes: Buffer } {
  const bytes = Buffer.from(text);
  return { version: { kind: 'file', size: bytes.length, mode, hash: null }, bytes };
}
const none = { version: null, bytes: undefined };

describe('diffOf', () => {
  it('shows changed lines and permissions', () => {
    expect(diffOf('a', content('one\ntwo\n'), content('one\nthree\n', 0o755))).toEqual({
      isBinary: false,
      isTruncated: false,
      missing: null,
      text: 'old mode 100644\nnew mode 100755\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n',
    });
    expect(diffOf('a', content(''), content('', 0o755)).text).toBe('old mode 100644\nnew mode 100755\n');
  });

  it('shows created and removed files, also empty ones', () => {
    expect(diffOf('a', none, content('x\n')).text).toBe('--- /dev/null\n+++ b/a\n@@ -0,0 +1,1 @@\n+x\n');
    expect(diffOf('a', content('x\n'), none).text).toContain('+++ /dev/null\n');
    expect(diffOf('a', none, content('')).text).toBe('--- /dev/null\n+++ b/a\n');
  });

  it('shows a file that was written anew, and says why it shows others not', () => {
    const [one, other] = ['a', 'b'].map((mark) => content(`${mark} line\n`.repeat(20_000)));
    const started = performance.now();
    const { text } = diffOf('a', one ?? none, other ?? none);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(text).toContain('@@ -1,20000 +1,20000 @@\n');
    const reason = (before: string | Buffer, after: string | Buffer) =>
      diffOf('a', content(before), content(after)).missing;
    expect(reason('a', Buffer.from([0]))).toBe('binary');
    expect(reason('a', 'a'.repeat(2 ** 21))).toBe('too_large');
    expect(diffOf('a', content('a'), { ...content('b'), bytes: undefined }).missing).toBe('not_kept');
  });
});
