/**
 * A text of about this length that consists of one piece, and an end that lets an attempt to match it fail.
 */
function row(piece: string, length: number, end = 'x'): string {
  return piece.repeat(Math.ceil(length / piece.length)) + end;
}

/**
 * Texts that expressions, parsers and searches take long for when their time grows faster than the length:
 * long rows of what begins something and never ends it. None of them is a command that does anything.
 */
export function hostileTexts(length: number): string[] {
  const pieces = [
    ...[
      '1',
      '1_',
      '.',
      '-',
      ' ',
      '\t ',
      '\n',
      '\r\n',
      '\\',
      '"',
      "'",
      '`',
      'a',
      '\0',
      '\x1b[',
      '\u2028',
      '\ud83d',
    ],
    ...[
      '[',
      '{',
      '(',
      '((',
      '$((',
      '[[',
      '{a,',
      '[!',
      '*',
      '**/',
      'a*',
      '?',
      '@',
      'a://',
      'a@',
      '<',
      '<a',
      '//',
    ],
    ...[
      '<think>',
      '<think></think',
      '<function=',
      '<function=think>',
      '<parameter=a>',
      '</parameter> ',
      '<head',
    ],
    ...[
      '{"a":',
      '"\\u',
      '/*',
      '#',
      '@@\n',
      '*** Update File: a\n',
      '\n x',
      '\n- y',
      'sudo -',
      '|sh',
      'env a=b ',
    ],
  ];
  return [
    ...pieces.map((piece) => row(piece, length)),
    row(' ', length, ' x'),
    '['.repeat(length / 2) + ']'.repeat(length / 2),
  ];
}
