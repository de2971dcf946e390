// Shows the documents of a server. The server writes the options as JSON, and Scalar is the script before this one.
/* global Scalar */
{
  const { title, up, hasChannels } = JSON.parse(document.getElementById('options').textContent);
  const here = document.currentScript.src;
  const operations = new URL('openapi.json', here).href;
  const channels = new URL('asyncapi.json', here).href;

  const newId = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
      '',
    );
  /** Stands in the form of each operation. A call with it gets an id of its own: it is another activity. */
  const shownId = newId();

  /** Lists operations by their names, and fills in the required header. */
  function shownOperations(openApi) {
    for (const { post } of Object.values(openApi.paths)) {
      post.description ??= post.summary;
      post.summary = post.operationId.slice(post.tags[0].length + 1);
    }
    openApi.components.parameters.ActivityId.example = shownId;
    return openApi;
  }

  /** In AsyncAPI a list of arguments has the form of an older JSON Schema, of which Scalar makes no example. */
  function shownChannels(text) {
    return JSON.parse(text, (_name, value) => {
      if (!Array.isArray(value?.items)) return value;
      const { items, additionalItems, ...schema } = value;
      return { ...schema, prefixItems: items, items: additionalItems };
    });
  }

  /** Loads documents, and sends calls. */
  async function send(input, init) {
    const request = new Request(input, init);
    if (request.headers.get('X-Correlation-ID') === shownId) request.headers.set('X-Correlation-ID', newId());
    // So that an error has the status of its category.
    if (request.method === 'POST') request.headers.set('X-Protocol-Version', '2');
    const response = await fetch(request);
    if (!response.ok || ![operations, channels].includes(request.url)) return response;
    const text = await response.text();
    return Response.json(request.url === channels ? shownChannels(text) : shownOperations(JSON.parse(text)));
  }

  Scalar.createApiReference('#reference', {
    sources: [
      { title: 'Operations', slug: 'operations', url: operations },
      ...(hasChannels ? [{ title: 'Channels', slug: 'channels', url: channels }] : []),
    ],
    metaData: { title },
    customFetch: send,
    // Behind a gateway that cuts a prefix off, paths begin behind the prefix.
    baseServerURL: new URL(up, here).href.replace(/\/$/, ''),
    documentDownloadType: 'direct',
    // No other host is contacted: the policy of the page refuses it, and these parts of Scalar would try.
    withDefaultFonts: false,
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',
    hideClientButton: true,
  });
}
