import fc from 'fast-check';
import { commandText, commandWords } from './command-words.js';

describe('commandWords and commandText', () => {
  it.each([
    ['run "my agent" --acp', ['run', 'my agent', '--acp']],
    [`my-acp 'a b' 'it'"'"'s'`, ['my-acp', 'a b', "it's"]],
    ["  a\tb '' ", ['a', 'b', '']],
    ['', []],
  ])('%j are %j', (command, words) => {
    expect(commandWords(command)).toEqual(words);
  });

  it('quotes words only if necessary', () => {
    expect(commandText(['npx', '@scope/agent@1.2', '--flag=a:b', 'two words', '$HOME', ''])).toBe(
      "npx @scope/agent@1.2 --flag=a:b 'two words' '$HOME' ''",
    );
  });

  it('splits what was joined into the same words', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', ' ', "'", '"', '\n', '\\', '$', 'é') }));
    fc.assert(fc.property(words, (given) => expect(commandWords(commandText(given))).toEqual(given)));
  });
});
