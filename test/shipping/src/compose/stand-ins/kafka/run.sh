#!/bin/bash
# What compose.yaml uses of the image: KAFKA_SOME_SETTING is the broker's some.setting, and an empty log folder is formatted.
set -eu
java=/usr/lib/jvm/java-17-openjdk-amd64/bin/java
settings=/tmp/server.properties
while IFS='=' read -r name value; do
  name=${name#KAFKA_}
  name=${name,,}
  echo "${name//_/.}=$value"
done < <(env | grep '^KAFKA_') >"$settings"
"$java" -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --cluster-id 5L6g3nShT-eMCtK--X86sw --config "$settings" --ignore-formatted
exec "$java" -Xms256m -Xmx256m -cp '/opt/kafka/libs/*' kafka.Kafka "$settings"
