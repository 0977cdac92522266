import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;

/** Tells Flink to use a serializer of ours for a class. */
final class PlainType<T> extends TypeInformation<T> {
  static final PlainType<Reading> READING =
      new PlainType<>(Reading.class, new ReadingSerializer());
  static final PlainType<Result> RESULT =
      new PlainType<>(Result.class, new ResultSerializer());
  static final PlainType<Vehicle> VEHICLE =
      new PlainType<>(Vehicle.class, new VehicleSerializer());

  private final Class<T> type;
  private final TypeSerializer<T> serializer;

  private PlainType(Class<T> type, TypeSerializer<T> serializer) {
    this.type = type;
    this.serializer = serializer;
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<T> getTypeClass() {
    return type;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<T> createSerializer(SerializerConfig config) {
    return serializer;
  }

  @Override
  public String toString() {
    return type.getSimpleName();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlainType<?> plain && type == plain.type;
  }

  @Override
  public int hashCode() {
    return type.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof PlainType<?>;
  }
}
