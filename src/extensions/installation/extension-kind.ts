/** Metadata of an extension, from its files. */
export interface ExtensionMetadata {
  /** Matches `EXTENSION_NAME`. */
  name: string;
  version: string;
  description: string;
}

/** Where the folder of an extension comes from. */
export interface ExtensionOrigin {
  folderName: string;
  /** It is a whole repository, whose name may differ from the extension's. */
  isRepository: boolean;
}

/** A kind of extension: skill, plugin or canvas extension. */
export interface ExtensionKind {
  /** Name of its folder in the user's folder. */
  readonly directory: string;
  /** Name of the kind in messages, capitalized. */
  readonly label: string;
  /** Whether a new extension is enabled. */
  readonly enabledByDefault: boolean;
  /**
   * Reads and validates the metadata of an extension.
   * @param folder absolute path
   * @param origin name and type of the source folder
   * @throws InvalidExtensionError
   */
  describe(folder: string, origin: ExtensionOrigin): Promise<ExtensionMetadata>;
}

/** Pattern of extension names, which are also folder names. */
export const EXTENSION_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
/** Longest name (the limit of file systems). */
export const MAX_NAME = 255;

/** Whether a name is valid for an extension. */
export function isExtensionName(name: string): boolean {
  return name.length <= MAX_NAME && EXTENSION_NAME.test(name);
}
