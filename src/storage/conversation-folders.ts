/** The folders for the conversations' own files: long outputs, task lists, histories of commands. */
export abstract class ConversationFolders {
  /** The absolute path of the folder of a conversation. It may not exist. */
  abstract folder(id: string): string;
}
