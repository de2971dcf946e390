// What core-backend takes from the module while it is loaded. It is called once a model is opened, and none is.
module.exports = {};
