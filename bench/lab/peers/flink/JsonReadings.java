import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Messages to readings, in the source. */
final class JsonReadings implements KafkaRecordDeserializationSchema<Reading> {
  @Override
  public void deserialize(ConsumerRecord<byte[], byte[]> message,
      Collector<Reading> out) throws IOException {
    out.collect(Reading.parse(message.value()));
  }

  @Override
  public TypeInformation<Reading> getProducedType() {
    return PlainType.READING;
  }
}
