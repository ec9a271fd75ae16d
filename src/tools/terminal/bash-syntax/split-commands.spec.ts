import fc from 'fast-check';

import { splitCommands } from './split-commands.js';

describe('splitCommands', () => {
  it.each([
    'echo a; echo b && echo c | cat',
    "echo \"a\nb\" 'c\nd' $'e\\'\nf'",
    'cat <<EOF\nx\nEOF',
    "cat <<'EOF' | grep x\n$(unclosed\n\"\nEOF",
    'cat <<-EOF\n\tx\n\tEOF',
    'cat <<A <<B\na\nA\nb\nB',
    'python3 - <<EOF > out.txt\nprint("""x\n")\nEOF',
    'echo a \\\n b',
    'echo a &&\n echo b',
    'echo a |\n\n # why\n cat',
    'if true\nthen\n echo x\nelif false; then\n :\nelse\n echo y\nfi',
    'for x in 1 2\ndo echo $x\ndone',
    'for ((i = 0; i < 3; i++))\ndo\n echo $i\ndone',
    'while read -r line; do\n echo "$line"\ndone < file',
    'until false\ndo\n break\ndone',
    'select x in a b\ndo break\ndone',
    'case $1 in\n a|b) echo "(";;\n (c) (echo d) ;;\n *) ;;\nesac',
    '{\n echo a\n echo b\n}',
    '(\n cd /tmp\n ls\n)',
    'f() {\n echo 1\n}',
    'f ()\n{\n echo 1\n}',
    'function f\n{\n echo 1\n}',
    'function f {\n echo 1\n}',
    'x=$(\n echo a\n echo b\n)',
    'x=$(cat <<EOF\n)\nEOF\n)',
    'x="$(echo "a\nb" | sed \'s/)/(/\')"',
    'echo `echo a\necho b`',
    'echo ${x:-a\nb}',
    'a=(\n 1 # one)\n 2\n)',
    'echo $((1 +\n 2)) $((1 << 2))',
    '((x = 1 <<\n 2))',
    '[[ a == b ||\n c =~ ^(d|e)$ ]]',
    'diff <(\n echo a\n) <(echo b)',
    '# only\n# then\necho x',
    "echo x # it's a comment",
    "echo a#b 'c'",
    '\n\necho x\n\n',
    'cmd &> log 2>&1 < in >| out',
    'A=1 B="2 3" if=1 env',
    'shopt -s extglob; ls !(a|b)',
    'time { sleep 0\n}',
    'echo "unclosed\necho b',
    'echo fi',
    'if true; then echo x',
    'fi\necho x',
    'echo $((  ',
    ')',
  ])('returns one command for %j', (text) => {
    expect(splitCommands(text)).toEqual([text.trim()]);
  });

  it.each([
    ['echo a\necho b', ['echo a', 'echo b']],
    ['f() {\n echo 1\n}\nf', ['f() {\n echo 1\n}', 'f']],
    ['cat <<EOF\nx\nEOF\necho b', ['cat <<EOF\nx\nEOF', 'echo b']],
    ['sleep 1 &\nwait', ['sleep 1 &', 'wait']],
    ['if a; then\nb\nfi\n\n\nls', ['if a; then\nb\nfi', 'ls']],
    ['case a in\na) ;;\nesac\nls', ['case a in\na) ;;\nesac', 'ls']],
    ['x=(a\nb)\necho "$x"', ['x=(a\nb)', 'echo "$x"']],
    ['cd a;\nls', ['cd a;', 'ls']],
    ['[[ -f x ]]\nls', ['[[ -f x ]]', 'ls']],
    ['(a)\nb', ['(a)', 'b']],
    ['echo {\nls', ['echo {', 'ls']],
  ])('splits %j', (text, commands) => {
    expect(splitCommands(text)).toEqual(commands);
  });

  it('returns nothing for blanks and comments', () => {
    expect(splitCommands(' \n\t\n# x')).toEqual([]);
  });

  it('terminates for any text and returns parts of it', () => {
    const piece = fc.constantFrom(
      'echo',
      ' ',
      '\n',
      "'",
      '"',
      '$(',
      ')',
      '((',
      '{',
      '}',
      'if',
      'fi',
      'case',
      ';;',
      '<<E',
      '\\',
      '#',
      '`',
      '${',
      '|',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const text = pieces.join('');
        for (const command of splitCommands(text)) expect(text).toContain(command);
      }),
    );
  });

  it('takes linear time for parentheses', () => {
    const started = performance.now();
    for (const text of ['('.repeat(200_000), '$(('.repeat(100_000), '((a'.repeat(100_000)])
      expect(splitCommands(text)).toEqual([text]);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
