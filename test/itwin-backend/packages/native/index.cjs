// The members that core-backend reads while it loads the module. It calls them when a model is opened, which never happens.
module.exports = {};
