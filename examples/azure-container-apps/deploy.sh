#!/bin/sh
# Gatepass in Azure Container Apps, with PostgreSQL: run it from the root of the repository, again for every update.
# Reads settings.env beside it. Needs the Azure CLI, signed in (the Cloud Shell of the portal is).
set -eu
cd "$(dirname "$0")/../.."
. examples/azure-container-apps/settings.env

: "${GROUP:=gatepass}" "${LOCATION:=westeurope}" "${REGISTRY:?}" "${POSTGRES_SERVER:?}" "${POSTGRES_PASSWORD:?}"
IMAGE="$REGISTRY.azurecr.io/gatepass:$(date +%Y%m%d%H%M%S)"

az group create -n "$GROUP" -l "$LOCATION" -o none
az acr show -n "$REGISTRY" -o none 2>/dev/null || az acr create -g "$GROUP" -n "$REGISTRY" --sku Basic --admin-enabled -o none
az acr build -r "$REGISTRY" -t "gatepass:${IMAGE##*:}" -f examples/container/Dockerfile .
az postgres flexible-server show -g "$GROUP" -n "$POSTGRES_SERVER" -o none 2>/dev/null ||
  az postgres flexible-server create -g "$GROUP" -n "$POSTGRES_SERVER" -l "$LOCATION" --version 16 \
    --admin-user gatepass --admin-password "$POSTGRES_PASSWORD" --database-name gatepass \
    --sku-name Standard_B1ms --tier Burstable --public-access 0.0.0.0 --yes -o none
az containerapp env show -g "$GROUP" -n gatepass -o none 2>/dev/null ||
  az containerapp env create -g "$GROUP" -n gatepass -l "$LOCATION" -o none

ENVIRONMENT=$(az containerapp env show -g "$GROUP" -n gatepass --query id -o tsv)
DOMAIN=$(az containerapp env show -g "$GROUP" -n gatepass --query properties.defaultDomain -o tsv)
BASE_URL=${BASE_URL:-https://gatepass-web.$DOMAIN}
IDENTITY='{ type: None }'
if [ -n "${IDENTITY_RESOURCE:-}" ]; then
  IDENTITY="{ type: UserAssigned, userAssignedIdentities: { '$IDENTITY_RESOURCE': {} } }"
fi
REGISTRY_PASSWORD=$(az acr credential show -n "$REGISTRY" --query 'passwords[0].value' -o tsv)

# name, what it runs (as a list in YAML), fewest and most replicas, ingress
app() {
  umask 077
  cat > "/tmp/$1.yaml" <<YAML
location: $LOCATION
identity: $IDENTITY
properties:
  managedEnvironmentId: $ENVIRONMENT
  configuration:
    activeRevisionsMode: Single
    ingress: $5
    registries:
      - { server: $REGISTRY.azurecr.io, username: $REGISTRY, passwordSecretRef: registry }
    secrets:
      - { name: registry, value: '$REGISTRY_PASSWORD' }
      - { name: database, value: 'postgresql://gatepass:$POSTGRES_PASSWORD@$POSTGRES_SERVER.postgres.database.azure.com/gatepass?sslmode=require' }
      - { name: secret-key, value: '$GATEPASS_SECRET_KEY' }
      - { name: client-secret, value: '${GATEPASS_DATAVERSE_CLIENT_SECRET:-not-set}' }
      - { name: stripe-key, value: '$GATEPASS_STRIPE_SECRET_KEY' }
      - { name: webhook-secret, value: '${GATEPASS_STRIPE_WEBHOOK_SECRET:-not-set-yet}' }
  template:
    terminationGracePeriodSeconds: 40
    scale: { minReplicas: $3, maxReplicas: $4 }
    containers:
      - name: $1
        image: $IMAGE
        command: [gatepass]
        args: $2
        resources: { cpu: 0.5, memory: 1Gi }
        env:
          - { name: GATEPASS_DATA_DIR, value: /tmp/gatepass }
          - { name: GATEPASS_BASE_URL, value: '$BASE_URL' }
          - { name: GATEPASS_TRUSTED_PROXIES, value: 100.64.0.0/10 }
          - { name: GATEPASS_EVENT_MANAGEMENT, value: dataverse }
          - { name: GATEPASS_DATAVERSE_URL, value: '$GATEPASS_DATAVERSE_URL' }
          - { name: GATEPASS_DATAVERSE_TENANT_ID, value: '$GATEPASS_DATAVERSE_TENANT_ID' }
          - { name: GATEPASS_DATAVERSE_CLIENT_ID, value: '$GATEPASS_DATAVERSE_CLIENT_ID' }
          - { name: GATEPASS_DATAVERSE_MANAGED_IDENTITY, value: '${GATEPASS_DATAVERSE_MANAGED_IDENTITY:-}' }
          - { name: GATEPASS_DATAVERSE_HOLD_MINUTES, value: '${GATEPASS_DATAVERSE_HOLD_MINUTES:-30}' }
          - { name: GATEPASS_RETURN_ORIGINS, value: '${GATEPASS_RETURN_ORIGINS:-}' }
          - { name: GATEPASS_DATABASE_URL, secretRef: database }
          - { name: GATEPASS_SECRET_KEY, secretRef: secret-key }
          - { name: GATEPASS_DATAVERSE_CLIENT_SECRET, secretRef: client-secret }
          - { name: GATEPASS_STRIPE_SECRET_KEY, secretRef: stripe-key }
          - { name: GATEPASS_STRIPE_WEBHOOK_SECRET, secretRef: webhook-secret }
YAML
  if az containerapp show -g "$GROUP" -n "$1" -o none 2>/dev/null; then
    az containerapp update -g "$GROUP" -n "$1" --yaml "/tmp/$1.yaml" -o none
  else
    az containerapp create -g "$GROUP" -n "$1" --yaml "/tmp/$1.yaml" -o none
  fi
  rm "/tmp/$1.yaml"
}

# Never fewer than two of each: one may be moved at any time. The server brings the schema up to date; workers end until it has.
app gatepass-web '[serve, --host, 0.0.0.0, --port, "8000", --no-worker]' 2 4 '{ external: true, targetPort: 8000 }'
app gatepass-worker '[worker]' 2 2 null

echo "Payment page URL for Dynamics: $BASE_URL/GatewayRedirect/PayWithStripe?"
