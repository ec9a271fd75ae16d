export { fetchUi, UiFetchError } from './fetch-ui.js';
export { fetchCommand, installedUi } from './installed-ui.js';
export { LandingPage } from './landing-page.js';
export { WebUi } from './web-ui.js';
