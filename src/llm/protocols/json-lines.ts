/**
 * Reads values of JSON, one a line, from bytes that are cut anywhere. The last line may go without its end.
 * @throws SyntaxError if a line is no JSON
 */
export async function* jsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* parsedLines(lines);
  }
  yield* parsedLines([rest + decoder.decode()]);
}

function* parsedLines(lines: readonly string[]): Generator {
  for (const line of lines) {
    if (line.trim() === '') continue;
    const value: unknown = JSON.parse(line);
    yield value;
  }
}
