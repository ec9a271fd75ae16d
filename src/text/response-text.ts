/**
 * Reads the body of an HTTP response as text.
 * @throws the error made by `tooLong` once the body is longer than `maxBytes`
 */
export async function readResponseText(
  response: Response,
  maxBytes: number,
  tooLong: () => Error,
): Promise<string> {
  return response.body ? readBodyText(response.body, maxBytes, tooLong) : '';
}

/** As `readResponseText`, for the bytes of any answer. */
export async function readBodyText(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  tooLong: () => Error,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
