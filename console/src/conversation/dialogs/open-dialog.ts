/** The dialogs of a conversation. */
export type DialogName = 'model' | 'policy' | 'budget' | 'ask';

/** Opens a dialog of the conversation. */
export type OpenDialog = (name: DialogName) => void;
