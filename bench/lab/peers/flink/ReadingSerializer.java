import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** Readings on their way from the source to the task of their vehicle. */
public final class ReadingSerializer extends PlainSerializer<Reading> {
  /** Its place in a checkpoint. */
  public static final class Snapshot
      extends SimpleTypeSerializerSnapshot<Reading> {
    public Snapshot() {
      super(ReadingSerializer::new);
    }
  }

  @Override
  public void serialize(Reading reading, DataOutputView out)
      throws IOException {
    StringValue.writeString(reading.vehicle, out);
    out.writeLong(reading.time);
    out.writeDouble(reading.speed);
    out.writeDouble(reading.engineTemp);
    out.writeDouble(reading.odometer);
  }

  @Override
  public Reading deserialize(DataInputView in) throws IOException {
    return new Reading(StringValue.readString(in), in.readLong(),
        in.readDouble(), in.readDouble(), in.readDouble());
  }

  @Override
  public TypeSerializerSnapshot<Reading> snapshotConfiguration() {
    return new Snapshot();
  }
}
