import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { pack, type Headers } from 'tar-stream';
import { writeFiles } from './extension-files.js';
import type { Json } from './settings-fixture.js';

const PROGRAM = fileURLToPath(new URL('canvas-backend.mjs', import.meta.url));
/** Names programs by absolute paths, because there may be no PATH. */
const SERVE = `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`;

/** An entry of an archive. */
export type ArchiveEntry = Headers & { content?: string };

/** Options of a canvas extension with a back end. */
export interface CanvasApp {
  name?: string;
  /** The program; the default is `canvas-backend.mjs`. */
  script?: string;
  entries?: ArchiveEntry[];
  /** The bytes of the archive, for invalid ones. */
  archive?: Buffer;
  /** Fields of the back end in the manifest that replace the defaults. */
  backend?: Json;
}

/** Writes a canvas extension with a back end into a folder. */
export async function writeCanvasApp(folder: string, app: CanvasApp = {}): Promise<void> {
  const { name = 'my-app', script = SERVE } = app;
  const entries = app.entries ?? [{ name: 'bin/serve', mode: 0o755, content: script }];
  const archive = app.archive ?? (await tarGz(entries));
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const artifact = { path: 'backend.tar.gz', sha256 };
  const manifest = {
    schema_version: 1,
    ...{ name, display_name: name, version: '1.0.0', entrypoint: 'main.js' },
    backend: {
      schema_version: 1,
      artifacts: { 'linux-amd64': artifact, 'linux-arm64': artifact },
      argv: ['{artifact_dir}/bin/serve', '{port}', '{data_dir}'],
      health: { timeout_seconds: 20, interval_seconds: 0.02 },
      ...app.backend,
    },
  };
  await mkdir(folder, { recursive: true });
  await writeFiles(folder, {
    'canvas-extension.json': JSON.stringify(manifest),
    'main.js': 'export default 1\n',
  });
  await writeFile(path.join(folder, 'backend.tar.gz'), archive);
}

export async function tarGz(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = '', ...header } of entries) {
    if (header.type === undefined || header.type === 'file') tar.entry(header, content);
    else tar.entry(header);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(Buffer.from(chunk));
  return gzipSync(Buffer.concat(chunks));
}

/** Makes unpacked folders writable again, so that users other than root can remove them. */
export async function unseal(folder: string): Promise<void> {
  await chmod(folder, 0o755).catch(() => undefined);
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await unseal(path.join(folder, entry.name));
  }
}
