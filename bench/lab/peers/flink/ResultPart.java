import org.apache.flink.api.common.serialization.SerializationSchema;

/** The key or the value of a result. A class, since Flink wants its type. */
final class ResultPart implements SerializationSchema<Result> {
  private final boolean key;

  ResultPart(boolean key) {
    this.key = key;
  }

  @Override
  public byte[] serialize(Result result) {
    return key ? result.key : result.value;
  }
}
