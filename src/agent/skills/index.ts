export * from './context-loader.js';
export * from './message-extras.js';
export * from './skill.js';
export {
  isInPart,
  publicSkillsFolder,
  readMarketplaceFile,
  type ListedExtension,
} from './files/public-skills.js';
export type { Repositories } from './repositories.js';
export { readSkillFile, type Warn } from './files/skill-folder.js';
