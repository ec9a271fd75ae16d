import { createHash, createHmac } from 'node:crypto';
import type { WireRequest } from './wire-protocol.js';

/** Credentials that are permitted to call. */
export interface AwsIdentity {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The scope that a request must be signed for. */
interface SignatureScope {
  region: string;
  service: string;
}

/**
 * Checks a signature of version 4 as AWS does
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).
 * @returns the fault; undefined if the signature is valid
 */
export function signatureFault(
  request: WireRequest,
  identity: AwsIdentity,
  scope: SignatureScope,
): string | undefined {
  const { headers } = request;
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  const [, accessKeyId, day, region, service, names, signature] = match ?? [];
  if (accessKeyId === undefined || day === undefined || names === undefined)
    return 'Missing Authentication Token';
  if (accessKeyId !== identity.accessKeyId) return 'The security token included in the request is invalid.';
  if ((headers['x-amz-security-token'] ?? undefined) !== identity.sessionToken)
    return 'The security token included in the request is invalid.';
  if (region !== scope.region || service !== scope.service)
    return `Credential should be scoped to ${scope.region}/${scope.service}, not ${region ?? ''}/${service ?? ''}.`;
  const date = String(headers['x-amz-date']);
  if (!date.startsWith(day)) return 'Date in Credential scope does not match the date of the request.';
  if (Math.abs(Date.parse(isoDate(date)) - Date.now()) > 300_000) return 'Signature expired.';
  const scopeText = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scopeText, sha256(canonical(request, names))].join('\n');
  const key = [day, scope.region, scope.service, 'aws4_request'].reduce<string | Buffer>(
    (secret, word) => hmac(secret, word),
    `AWS4${identity.secretAccessKey}`,
  );
  const expected = hmac(key, toSign).toString('hex');
  if (expected !== signature)
    return 'The request signature we calculated does not match the signature you provided.';
  return undefined;
}

function canonical({ method, path, headers, text }: WireRequest, signedHeaders: string): string {
  const url = new URL(path, 'http://host');
  const encoded = path.split('?')[0]?.split('/').map(encodeSegment).join('/') ?? '/';
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(value)}`)
    .sort()
    .join('&');
  const lines = signedHeaders.split(';').map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  );
  return [method, encoded, query, lines.join(''), signedHeaders, sha256(text)].join('\n');
}

function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function isoDate(date: string): string {
  return date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
