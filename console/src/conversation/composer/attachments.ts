import { signal, type ReadonlySignal } from '@preact/signals';
import { messageOf } from '../../api/api-error.js';
import { oneLine } from '../../ui/safe-text.js';
import { bytes } from '../../ui/numbers.js';
import { uploadFile } from './upload-file.js';

/** Images that models read. Other kinds are uploaded as files. */
const IMAGE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
/** A request has at most 16 MiB of content, and images in it are a third longer than their files. */
const MAX_IMAGES_BYTES = 11 * 1024 * 1024;
const MAX_FILE_BYTES = 1024 ** 3;
const MAX_ATTACHMENTS = 20;
const FOLDER = 'uploads';

/** A file that a person adds to a message. */
export interface Attachment {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly kind: 'image' | 'file';
  readonly state: 'loading' | 'ready' | 'failed';
  /** Part of the file that has been sent, from 0 to 1. */
  readonly progress: number;
  /** Of an image: its `data:` URL. */
  readonly url?: string;
  /** Of another file: its path in the workspace. */
  readonly path?: string;
  /** Why it failed, and what to do. */
  readonly problem?: string;
}

/**
 * The files of a message: images become part of the message, others are uploaded to the workspace and
 * mentioned in the text.
 */
export class Attachments {
  private readonly listSignal = signal<readonly Attachment[]>([]);
  private readonly uploads = new Map<number, AbortController>();
  private readonly files = new Map<number, File>();
  private count = 0;

  /** @param onUploaded called with the path of each file that is in the workspace */
  constructor(
    private readonly conversationId: string,
    private readonly onUploaded: (path: string) => void,
  ) {}

  get list(): ReadonlySignal<readonly Attachment[]> {
    return this.listSignal;
  }

  /** The `data:` URLs of the images. */
  get imageUrls(): string[] {
    return this.listSignal.value.flatMap(({ url }) => url ?? []);
  }

  get isLoading(): boolean {
    return this.listSignal.value.some(({ state }) => state === 'loading');
  }

  /** Adds files. @returns why some were left out; undefined if none was */
  add(files: readonly File[]): string | undefined {
    const room = MAX_ATTACHMENTS - this.listSignal.peek().length;
    for (const file of files.slice(0, Math.max(0, room))) this.addOne(file);
    return files.length > room
      ? `A message can have ${MAX_ATTACHMENTS} attachments. The others were left out.`
      : undefined;
  }

  /** Takes one away, and ends its upload. A file that was uploaded stays in the workspace. */
  remove(id: number): void {
    this.uploads.get(id)?.abort();
    this.uploads.delete(id);
    this.files.delete(id);
    this.listSignal.value = this.listSignal.peek().filter((entry) => entry.id !== id);
  }

  /** Uploads one again that failed, or an image that is too large for a message. */
  upload(id: number): void {
    const file = this.files.get(id);
    if (file === undefined || this.uploads.has(id)) return;
    this.change(id, { kind: 'file', state: 'loading', progress: 0, problem: undefined });
    void this.send(id, file);
  }

  clear(): void {
    for (const { id } of this.listSignal.peek()) this.remove(id);
  }

  private addOne(file: File): void {
    const id = ++this.count;
    const isImage = IMAGE_TYPES.has(file.type);
    const name = file.name === '' ? 'pasted' : file.name;
    const problem = this.problemOf(file, isImage);
    this.files.set(id, file);
    this.listSignal.value = [
      ...this.listSignal.peek(),
      {
        id,
        name: oneLine(name, 80),
        size: file.size,
        kind: isImage ? 'image' : 'file',
        state: problem === undefined ? 'loading' : 'failed',
        progress: 0,
        problem,
      },
    ];
    if (problem !== undefined) return;
    if (isImage) void this.read(id, file);
    else void this.send(id, file);
  }

  private problemOf({ size }: File, isImage: boolean): string | undefined {
    if (!isImage)
      return size > MAX_FILE_BYTES ? `At most ${bytes(MAX_FILE_BYTES)} can be uploaded here.` : undefined;
    const images = this.listSignal.peek().filter(({ kind, state }) => kind === 'image' && state !== 'failed');
    const total = images.reduce((sum, image) => sum + image.size, size);
    return total > MAX_IMAGES_BYTES
      ? `The images of a message can have ${bytes(MAX_IMAGES_BYTES)} together.`
      : undefined;
  }

  private async read(id: number, file: File): Promise<void> {
    try {
      const url = await dataUrl(file);
      this.change(id, { state: 'ready', progress: 1, url });
    } catch (error) {
      this.change(id, { state: 'failed', problem: messageOf(error) });
    }
  }

  private async send(id: number, file: File): Promise<void> {
    const controller = new AbortController();
    this.uploads.set(id, controller);
    const path = `${FOLDER}/${safeName(file.name)}`;
    try {
      await uploadFile(this.conversationId, `./${path}`, file, {
        signal: controller.signal,
        onProgress: (progress) => this.change(id, { progress }),
      });
      this.change(id, { state: 'ready', progress: 1, path });
      this.onUploaded(path);
    } catch (error) {
      this.change(id, { state: 'failed', problem: messageOf(error) });
    } finally {
      this.uploads.delete(id);
    }
  }

  private change(id: number, fields: Partial<Attachment>): void {
    this.listSignal.value = this.listSignal
      .peek()
      .map((entry) => (entry.id === id ? { ...entry, ...fields } : entry));
  }
}

/** A name without folders and without characters that mean something to a shell. */
function safeName(name: string): string {
  const safe = name
    .replace(/^.*[/\\]/s, '')
    .replace(/[^\p{L}\p{N}._-]+/gu, '_')
    .replace(/^\.+/, '')
    .slice(-100);
  return safe === '' ? 'file' : safe;
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => {
      if (typeof reader.result === 'string') resolve(reader.result);
    };
    reader.onerror = () => reject(new Error('The browser cannot read the file.'));
    reader.readAsDataURL(file);
  });
}
