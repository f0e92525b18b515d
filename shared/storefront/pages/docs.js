// Draws the contract, which both builds serve as it is.
SwaggerUIBundle({ url: "/storefront/openapi.yaml", dom_id: "#docs", deepLinking: true, validatorUrl: null });
