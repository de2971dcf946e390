import { createRpcClient } from '@linnet/frontend';

// A page that uploads the file which its user chooses.

class Store {
  static interfaceName = 'Store';
  static interfaceVersion = '1.0.0';
  static operations = { receive: {} };
}

const backend = new URLSearchParams(location.search).get('backend');

window.page = {
  upload() {
    const [file] = document.querySelector('input').files;
    const store = createRpcClient({ uriPrefix: `http://${backend}`, interfaces: [Store] }).client(Store);
    return store.receive(file.name, file);
  },
};
