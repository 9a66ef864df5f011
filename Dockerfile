# Serves a folder of videos on one machine, without a GPU:
#   docker build -t q2e . && docker compose up
FROM python:3.12-slim AS build
ARG EXTRAS=local,server
COPY . /source
RUN pip wheel --no-cache-dir --wheel-dir /wheels --constraint /source/constraints.txt \
    "/source[${EXTRAS}]"

FROM python:3.12-slim
ARG EXTRAS=local,server
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libgomp1 tesseract-ocr tesseract-ocr-ara tesseract-ocr-hin tesseract-ocr-kor \
      tesseract-ocr-rus tesseract-ocr-tha \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 q2e \
 && install --directory --owner q2e --group q2e /index
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index --find-links /wheels "q2e[${EXTRAS}]"
USER q2e
ENV Q2E_INDEX=/index Q2E_CACHE=/index/cache
VOLUME ["/index"]
EXPOSE 8077
ENTRYPOINT ["q2e"]
CMD ["serve", "--host", "0.0.0.0", "--folder", "/videos"]
