/** Repeats a text up to about this length, with an end that makes an attempt to match it fail. */
function repeated(piece: string, length: number, end = 'x'): string {
  return piece.repeat(Math.ceil(length / piece.length)) + end;
}

/**
 * Texts that are slow for expressions, parsers and searches whose time is not linear: many openings of
 * something that never closes. None of them is a harmful command.
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
    ...pieces.map((piece) => repeated(piece, length)),
    repeated(' ', length, ' x'),
    '['.repeat(length / 2) + ']'.repeat(length / 2),
  ];
}
