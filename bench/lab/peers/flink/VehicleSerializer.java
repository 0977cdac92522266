import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** A vehicle's state, in RocksDB and in checkpoints. */
public final class VehicleSerializer extends PlainSerializer<Vehicle> {
  /** Its place in a checkpoint. */
  public static final class Snapshot
      extends SimpleTypeSerializerSnapshot<Vehicle> {
    public Snapshot() {
      super(VehicleSerializer::new);
    }
  }

  @Override
  public boolean isImmutableType() {
    return false;
  }

  /** The heap backend asks for it while a checkpoint is written. */
  @Override
  public Vehicle copy(Vehicle from) {
    return from.copy();
  }

  @Override
  public void serialize(Vehicle vehicle, DataOutputView out)
      throws IOException {
    writeBytes(vehicle.toBytes(), out);
  }

  @Override
  public Vehicle deserialize(DataInputView in) throws IOException {
    return Vehicle.fromBytes(readBytes(in));
  }

  @Override
  public TypeSerializerSnapshot<Vehicle> snapshotConfiguration() {
    return new Snapshot();
  }
}
