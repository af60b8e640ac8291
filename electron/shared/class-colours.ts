/**
 * Okabe and Ito's colours, which are told apart without colour vision: of the first classes, on the screen and in exports.
 */
export const CLASS_COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442'];
