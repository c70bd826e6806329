# crawld in an image of its own: `deploy/build-image.sh` builds it, docs/operations.md says how to run
# it. The first stage has compilers and headers, the second the program and the libraries it loads.

FROM debian:12 AS build
WORKDIR /src
# Alone, so that a changed source does not install everything anew.
COPY scripts/install-dependencies.sh scripts/
RUN scripts/install-dependencies.sh
COPY . .
RUN cmake --preset release \
 && cmake --build --preset release --target crawld \
 && cmake --install build/release --prefix /usr --strip --component runtime \
 && deploy/runtime-packages.sh /usr/bin/crawld >/runtime-packages

FROM debian:12-slim
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crawld" \
      org.opencontainers.image.description="A crawl daemon that loses nothing" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/debian:12-slim"
# What `ldd` has found, by package, and the certificate authorities. Times are UTC: no tzdata.
COPY --from=build /runtime-packages /usr/share/crawld/runtime-packages
RUN apt-get update -qq \
 && xargs -a /usr/share/crawld/runtime-packages \
      env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* \
      /var/lib/dpkg/*-old /var/log/apt /var/log/*.log \
 && groupadd --gid 10001 crawld \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/crawld \
      --shell /usr/sbin/nologin crawld \
 && install -d -m 0750 -o 10001 -g 10001 /var/lib/crawld \
 && install -d -m 0755 /etc/crawld
COPY --from=build /usr/bin/crawld /usr/bin/crawld

# By number, so that an orchestrator sees that it is not root.
USER 10001:10001
WORKDIR /var/lib/crawld
# Nothing else is written: the root may be read-only.
VOLUME /var/lib/crawld
STOPSIGNAL SIGTERM
# After a crash the store's log is replayed before it answers.
HEALTHCHECK --interval=30s --timeout=10s --start-period=5m --retries=3 \
  CMD ["crawld", "status", "-c", "/etc/crawld/crawl.yaml", "--check", "alive"]
ENTRYPOINT ["crawld"]
CMD ["run", "-c", "/etc/crawld/crawl.yaml"]
