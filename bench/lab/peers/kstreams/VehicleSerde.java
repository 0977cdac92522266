import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;

/** A vehicle's state as bytes, in the store and in its changelog. */
final class VehicleSerde implements Serde<Vehicle> {
  @Override
  public Serializer<Vehicle> serializer() {
    return (topic, vehicle) -> vehicle == null ? null : vehicle.toBytes();
  }

  @Override
  public Deserializer<Vehicle> deserializer() {
    return (topic, bytes) -> bytes == null ? null : Vehicle.fromBytes(bytes);
  }
}
