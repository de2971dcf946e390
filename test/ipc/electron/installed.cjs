// Apart from what is imported as `electron`: an ES module would keep what was there when it was imported first.
let electron = {};

exports.install = (standIn = {}) => void (electron = standIn);
exports.installed = () => electron;
