import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { errorCode, errorMessage, errorName, errorStack } from './index.js';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a thrown value', () => {
  it('a thrown value can be a system error', () => {
    const error = thrownBy(() => readFileSync('/nowhere/at/all'));
    expect(errorCode(error)).toBe('ENOENT');
    expect(errorMessage(error)).toMatch(/^ENOENT: no such file/);
  });

  it('is described without the argument value that Node refused', () => {
    const env = { TOKEN: 'hush-hush\n\0token' };
    const error = thrownBy(() => spawnSync('true', [], { env }));
    expect(String(error)).toContain('hush-hush');
    expect(errorMessage(error)).toMatch(/options\.env\['TOKEN'\]' must be a string without null bytes$/);
    expect(errorStack(error)).toMatch(/null bytes\n +at /);
    expect(errorStack(error)).not.toContain('hush-hush');
    const other = thrownBy(() => readFileSync(Object('hush-hush') as string));
    expect([errorCode(other), errorMessage(other)]).toEqual(['ERR_INVALID_ARG_TYPE', expect.any(String)]);
    expect(errorMessage(other)).not.toContain('hush-hush');
  });

  it('a thrown value can be an error of another realm', () => {
    const error: unknown = runInNewContext('new RangeError("too far")');
    expect(error).not.toBeInstanceOf(Error);
    expect(errorName(error)).toBe('RangeError');
    expect(errorMessage(error)).toBe('too far');
    expect(errorStack(error)).toMatch(/^RangeError: too far\n +at /);
    expect(errorCode(error)).toBeUndefined();
  });

  it.each([
    ['text', 'text'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ code: 5 }, '[object Object]'],
  ])('a thrown value can be any value: %p', (thrown, text) => {
    expect(errorCode(thrown)).toBeUndefined();
    expect(errorName(thrown)).toBe('Error');
    expect(errorMessage(thrown)).toBe(text);
    expect(errorStack(thrown)).toBe(text);
  });
});
