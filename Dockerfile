# The operator as an image: the program, its policies, the shared libraries that it needs and the CA bundle, and nothing else.
#
#   docker build -t k8sgpt-operator --build-arg REVISION=$(git rev-parse --short HEAD) .
#
# `make image-test` builds it without a registry and tries it. The same sources on the same base give the same image when the builder
# takes its times from SOURCE_DATE_EPOCH (buildah: --timestamp); a release names BASE by digest.
ARG BASE=docker.io/library/debian:bookworm-20250520-slim

FROM ${BASE} AS packages
COPY tools/deps.sh /deps.sh
RUN /deps.sh compile && rm -rf /var/lib/apt/lists/*

FROM packages AS build
COPY . /src
ARG REVISION=unknown
RUN cd /src && make -j"$(nproc)" install DESTDIR=/root.d PREFIX=/usr BUILD=/build REVISION="$REVISION" && tools/image/root.sh /root.d

FROM scratch
COPY --from=build /root.d /
USER 65532:65532
# 8080: /metrics; 8081: /healthz, /readyz.
EXPOSE 8080 8081
ENTRYPOINT ["/usr/bin/k8sgpt-operator"]
ARG REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="k8sgpt-operator" \
      org.opencontainers.image.description="Diagnoses Kubernetes clusters by Lua policies, as an operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
