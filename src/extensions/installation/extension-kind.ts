/** What the files of an extension say of it. */
export interface ExtensionMetadata {
  /** Of the form `EXTENSION_NAME`. */
  name: string;
  version: string;
  description: string;
}

/** What a folder is called where it comes from. */
export interface ExtensionOrigin {
  folderName: string;
  /** It is the whole of a repository: its name need not be that of the extension. */
  isRepository: boolean;
}

/** A kind of things that people install: skills, plugins, canvas extensions. */
export interface ExtensionKind {
  /** Its folder below that of the person. */
  readonly directory: string;
  /** At the beginning of a sentence. */
  readonly label: string;
  /** Whether what was just installed is in use. */
  readonly enabledByDefault: boolean;
  /**
   * Looks at what would be installed, or is.
   * @param folder absolute path
   * @param origin what the folder is called where it comes from, and whether somebody chose the name for
   *   another purpose
   * @throws InvalidExtensionError
   */
  describe(folder: string, origin: ExtensionOrigin): Promise<ExtensionMetadata>;
}

/** What extensions are called, and their folders. */
export const EXTENSION_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Characters of a name: what file systems take. */
export const MAX_NAME = 255;

/** Whether something can be the name of an extension. */
export function isExtensionName(name: string): boolean {
  return name.length <= MAX_NAME && EXTENSION_NAME.test(name);
}
